# syntax=docker/dockerfile:1
# The program alone, static: an image of it has no shell, no package manager and no C library.
#
#   docker build --tag seedbed .
#   docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" seedbed migrate
#
FROM rust:1-alpine AS build
RUN apk add --no-cache ca-certificates gcc musl-dev
WORKDIR /src
COPY . .
RUN RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --release --locked --package seedbed-cli \
      --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir /build \
 && mkdir -p /image/etc/ssl/certs /image/tmp /image/work /image/usr/local/bin \
 && cp /build/*/release/seedbed /image/usr/local/bin/ \
 && cp LICENSE /image/ \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && chmod 1777 /image/tmp

# /tmp is for any user: imports and checks keep files in it while they run.
FROM scratch
COPY --from=build /image/ /
ENV PATH=/usr/local/bin
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/seedbed"]
