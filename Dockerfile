# The image of the service, and with `--target loadtest` that of the load lab; for amd64 and arm64.
#
#   docker build --build-arg BUILD_REVISION="$(git rev-parse --short=12 HEAD)" --tag rbac-sentinel .
#
# Compiled dependencies stay in cache mounts. That needs no tool beside cargo, keeps the workspace as
# it is, and unlike a layer of dependencies survives a change of Cargo.lock. Each architecture has a
# mount of its own; no layer holds what is in it, so the program is copied out.

FROM rust:1.95.0-slim-trixie AS sources
WORKDIR /build
COPY . .

FROM sources AS build-loadtest
ARG TARGETARCH
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=target-loadtest-${TARGETARCH},target=/build/target,sharing=locked \
    cargo build --profile dist --locked --package loadtest --bin loadtest \
    && mkdir -p /out/reports \
    && cp target/dist/loadtest /out/

FROM sources AS build-service
# Reported in auth_build_info; the context holds no repository that could be asked.
ARG BUILD_REVISION=unknown
ARG TARGETARCH
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=target-service-${TARGETARCH},target=/build/target,sharing=locked \
    cargo build --profile dist --locked --package rbac-sentinel --bin rbac-sentinel \
    && mkdir -p /out/data \
    && cp target/dist/rbac-sentinel /out/

# The base of both images is glibc, libgcc and certificates: no shell, no package manager. Its user
# `nonroot` is 65532. Its tags are no versions: scripts/pin-images adds the digest.
FROM gcr.io/distroless/cc-debian13:nonroot AS loadtest
LABEL org.opencontainers.image.title="rbac-sentinel load lab" \
      org.opencontainers.image.description="Drives rbac-sentinel and sets what users saw beside what it counted" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build-loadtest /out/loadtest /usr/local/bin/
COPY --from=build-loadtest --chown=nonroot:nonroot /out/reports /reports
WORKDIR /reports
EXPOSE 9646
ENTRYPOINT ["/usr/local/bin/loadtest"]

# The last stage is what a build without --target makes.
FROM gcr.io/distroless/cc-debian13:nonroot AS service
ARG BUILD_REVISION=unknown
LABEL org.opencontainers.image.title="rbac-sentinel" \
      org.opencontainers.image.description="Authentication and role-based access control with built-in observability" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${BUILD_REVISION}"
COPY --from=build-service /out/rbac-sentinel /usr/local/bin/
COPY --from=build-service --chown=nonroot:nonroot --chmod=700 /out/data /data
WORKDIR /data
# A hash works on 19 MiB. Huge pages, where the kernel lets programs choose (`madvise`, the usual
# setting), save page faults and address look-ups on them: 7 to 14 % more logins.
ENV GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
    API_ADDR=0.0.0.0:8000 \
    OPS_ADDR=0.0.0.0:9464 \
    DATA_DIR=/data
# 9464 is for Prometheus and probes in a private network: publish 8000 alone.
EXPOSE 8000 9464
# Requests /readyz at OPS_ADDR. In exec form, because there is no shell.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/rbac-sentinel", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rbac-sentinel"]
