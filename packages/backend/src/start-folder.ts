/**
 * Where hooks and the main process start: a folder that every user may enter. They may become another user than the
 * supervisor, which may have been started in a folder that only its own user can enter.
 */
export const START_FOLDER = "/";
