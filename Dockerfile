FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
ENV SQLX_OFFLINE=true
RUN cargo run --package xtask -- site --release \
 && cargo build --release --locked --package server

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/baton baton
COPY --from=build /src/target/release/baton /usr/local/bin/baton
USER 10001
WORKDIR /var/lib/baton
ENV BATON_LISTEN=0.0.0.0:3000 \
    BATON_DATA_DIR=/var/lib/baton
VOLUME /var/lib/baton
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD curl --fail --silent --show-error --output /dev/null http://127.0.0.1:3000/healthz
ENTRYPOINT ["baton"]
CMD ["serve"]
