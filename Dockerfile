# Builds the images from a plain clone, with BuildKit or Docker's old builder; Docker is all it needs:
#
#   docker build --target backend --tag msdha-backend .
#   docker build --target frontend --tag msdha-frontend .
#   docker build --target backend-postgresql --tag msdha-backend-postgresql .
#
# images/README.md has the build arguments.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim
ARG FRONTEND_BASE_IMAGE=debian:bookworm-slim
ARG POSTGRESQL_BASE_IMAGE=postgres:15-bookworm

# The programs, from their sources: one file of JavaScript for each app, and the guard.
# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS build
# binutils is for `strip`, which leaves out the symbols of Node, a seventh of it.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY package.json ./
RUN npm install --global "$(node --print 'require("./package.json").packageManager')"
COPY . .
# Only what the programs are made of, without the tools that check them.
RUN pnpm install --frozen-lockfile --prod --ignore-scripts \
  --filter . --filter '@msdha/backend...' --filter '@msdha/frontend...' --filter '@msdha/postgresql...' \
  --filter '@msdha/cli...'
RUN packages/guard/build.sh && for package in status-page backend frontend postgresql cli; do \
    (cd "packages/$package" && node --run bundle) || exit 1; \
  done

FROM build AS backend-files
# Adds etcdctl of this release (3.4.42, 3.5.28 …), for hooks that call it.
ARG ETCD_RELEASE
ARG ETCD_DOWNLOAD=https://github.com/etcd-io/etcd/releases/download
RUN node images/assemble.mjs backend /files "$ETCD_RELEASE" "$ETCD_DOWNLOAD"

FROM build AS frontend-files
RUN node images/assemble.mjs frontend /files

FROM build AS postgresql-files
RUN node images/assemble.mjs postgresql /files

# A node for a program of your own, on any base with glibc (Debian, Ubuntu, Fedora …). The base needs no Node, and no
# shell: nothing is run in this stage. It keeps its user. For bases with musl see images/backend/Dockerfile.alpine.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS backend
COPY --from=backend-files /files/opt /opt
COPY --from=backend-files /files/bin /usr/local/bin
COPY --from=backend-files /files/run /run
ARG START_HOOK=images/backend/start_hook
COPY ${START_HOOK} /etc/msdha/hooks/start
ENTRYPOINT ["/opt/msdha/bin/msdha-backend"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/msdha/bin/msdha-backend", "healthcheck"]
ARG VERSION=dev
LABEL org.opencontainers.image.title="msdha-backend" \
  org.opencontainers.image.description="Turns a single-master program into a highly available group of containers" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}"

# Sends all TCP traffic on MSDHA_PORT to the current master of a group. The base may be any Debian or Ubuntu; HAProxy is
# its own package, unless the base has one.
# hadolint ignore=DL3006
FROM ${FRONTEND_BASE_IMAGE} AS frontend
USER root
RUN command -v haproxy >/dev/null \
  || { apt-get update && apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt; } \
  # An empty file system that is mounted there gets the same rights from some engines.
  && chmod 1777 /run
COPY --from=frontend-files /files/opt /opt
COPY --from=frontend-files /files/bin /usr/local/bin
COPY --from=frontend-files /files/run /run
# Nobody in particular: it needs no right and no file of any user.
USER 10001:10001
ENTRYPOINT ["/opt/msdha/bin/msdha-frontend"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
  CMD ["/opt/msdha/bin/msdha-frontend", "healthcheck"]
ARG VERSION=dev
LABEL org.opencontainers.image.title="msdha-frontend" \
  org.opencontainers.image.description="Sends TCP traffic to the current master of an MSDHA group" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}"

# A highly available PostgreSQL: the official image with MSDHA and its hooks.
# hadolint ignore=DL3006
FROM ${POSTGRESQL_BASE_IMAGE} AS backend-postgresql
COPY --from=backend-files /files/opt /opt
COPY --from=postgresql-files /files/opt /opt
COPY images/backend-postgresql/hooks /etc/msdha/hooks
USER root
# The server's folder belongs below the mount point: data are made beside it and renamed when they are whole.
RUN ln -s /opt/msdha/bin/msdha-backend /opt/msdha/bin/msdha-postgresql /opt/msdha/bin/msdha /usr/local/bin/ \
  && mkdir -p /run/msdha && chmod 1777 /run/msdha \
  && mkdir -p /var/lib/postgresql/data /var/lib/postgresql/archive \
  && chown postgres:postgres /var/lib/postgresql/data /var/lib/postgresql/archive \
  && chmod 1777 /var/lib/postgresql/data && chmod 700 /var/lib/postgresql/archive
ENV PGDATA=/var/lib/postgresql/data/pgdata \
  # A fast shutdown; on SIGTERM the server would wait for its clients.
  MSDHA_STOP_SIGNAL=SIGINT \
  # A database is no worse for being the master for long, and each change costs its clients a moment.
  MSDHA_MASTER_TTL=infinity \
  # A server that ends sends everything to its standbys first, which may take minutes. Give `docker stop` as long.
  MSDHA_STOP_TIMEOUT=300 \
  # Clients wait until the server is promoted, instead of being told that it only reads.
  MSDHA_TRAFFIC=after_hook
USER postgres
ENTRYPOINT ["/opt/msdha/bin/msdha-backend"]
CMD []
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/msdha/bin/msdha-backend", "healthcheck"]
ARG VERSION=dev
LABEL org.opencontainers.image.title="msdha-backend-postgresql" \
  org.opencontainers.image.description="PostgreSQL as a highly available group of containers" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}"
