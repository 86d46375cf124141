# Builds all images for all architectures, with BuildKit:
#
#   docker buildx bake                  # into the cache only; --load or --push for more
#   REPOSITORY=example.org/you/ TAGS=1.2.3,latest docker buildx bake --push release

# What goes before the image names, with a slash at the end.
variable "REPOSITORY" {
  default = ""
}

# With commas between them.
variable "TAGS" {
  default = "latest"
}

variable "VERSION" {
  default = "dev"
}

# Where the sources are, for the labels.
variable "SOURCE" {
  default = ""
}

variable "REVISION" {
  default = ""
}

# The major version that also gets the plain tags.
variable "POSTGRESQL" {
  default = "17"
}

function "names" {
  params = [image, suffix]
  result = [for tag in split(",", TAGS) : "${REPOSITORY}${image}:${tag}${suffix}"]
}

group "default" {
  targets = ["backend", "frontend", "backend-postgresql"]
}

# What the release publishes: the default ones and MSDHA for bases with musl.
group "release" {
  targets = ["backend", "backend-alpine", "frontend", "backend-postgresql"]
}

target "common" {
  platforms = ["linux/amd64", "linux/arm64"]
  args      = { VERSION = VERSION }
  labels = {
    "org.opencontainers.image.source"   = SOURCE
    "org.opencontainers.image.revision" = REVISION
  }
  attest = ["type=provenance,mode=max", "type=sbom"]
}

target "backend" {
  inherits = ["common"]
  target   = "backend"
  tags     = names("msdha-backend", "")
}

target "backend-alpine" {
  inherits   = ["common"]
  dockerfile = "images/backend/Dockerfile.alpine"
  # The backend of this very build, not one from a registry.
  contexts = { msdha-backend = "target:backend" }
  tags       = names("msdha-backend", "-alpine")
}

target "frontend" {
  inherits = ["common"]
  target   = "frontend"
  tags     = names("msdha-frontend", "")
}

target "backend-postgresql" {
  inherits = ["common"]
  name     = "backend-postgresql-${version}"
  matrix   = { version = ["14", "15", "16", "17"] }
  target   = "backend-postgresql"
  args     = { POSTGRESQL_BASE_IMAGE = "postgres:${version}-bookworm" }
  tags = concat(
    names("msdha-backend-postgresql", "-pg${version}"),
    version == POSTGRESQL ? names("msdha-backend-postgresql", "") : [],
  )
}
