/** A file of a report. */
export interface ReportFile {
  /** Its path in the archive. */
  readonly name: string;
  readonly text: string;
}
