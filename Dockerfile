# One target per component. Each final image is distroless and runs as a numbered
# non-root user, as the Pod Security Standard "restricted" wants.

FROM docker.io/library/node:20-bookworm-slim AS web
WORKDIR /src/webclient
COPY webclient/package.json webclient/package-lock.json ./
RUN npm ci
COPY webclient/ ./
# Its text goes with what the page contains (webclient/build/licenses.ts).
COPY LICENSE ../
RUN npm run build

FROM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/webclient/dist ./webclient/dist
RUN mkdir /out \
 && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/manager ./cmd/sfu ./cmd/scoring \
 && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/lab ./hack/lab

FROM gcr.io/distroless/static-debian12:nonroot AS base
USER 65532:65532

FROM base AS manager
COPY --from=build /out/manager /manager
ENTRYPOINT ["/manager"]

FROM base AS sfu
COPY --from=build /out/sfu /sfu
ENTRYPOINT ["/sfu"]

FROM base AS scoring
COPY --from=build /out/scoring /scoring
ENTRYPOINT ["/scoring"]

# Simulated students, for the demo and for benchmarks.
FROM base AS lab
COPY --from=build /out/lab /lab
ENTRYPOINT ["/lab"]

# The Redis that the operator starts by default, under a name that a local
# cluster finds without a registry. 7.2 is the last series under the BSD licence.
FROM docker.io/library/redis:7.2-alpine AS redis
