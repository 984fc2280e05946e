# A static program in an image that holds nothing else.
#
#   docker build -t imsimta-exporter .
#   docker run --rm -p 9797:9797 imsimta-exporter demo --listen 0.0.0.0:9797
#
# To watch a real MTA the container needs its directories (read only), the host's network and process
# namespaces, and the number of the MTA's user: see README.md.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src ./src
COPY alerts ./alerts
COPY packaging/build ./packaging/build
RUN RUSTFLAGS="-C target-feature=+crt-static" packaging/build \
    && install -D target/guided/imsimta-exporter /out/usr/bin/imsimta-exporter \
    && install -d -m 1777 /out/tmp \
    && install -d -m 0700 -o 65532 -g 65532 /out/var/lib/imsimta-exporter

FROM scratch
COPY --from=build /out /
USER 65532:65532
EXPOSE 9797
VOLUME /var/lib/imsimta-exporter
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/usr/bin/imsimta-exporter", "healthcheck"]
ENTRYPOINT ["/usr/bin/imsimta-exporter"]
