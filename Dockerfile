# syntax=docker/dockerfile:1
# The server, its worker and the shipped models.
#
#   docker build -t lethe:0.1.0 .
#   docker build -t lethe:0.1.0-cuda --build-arg FLAVOUR=cuda .      # linux/amd64
#
# FLAVOUR cpu or cuda. The second is built on NVIDIA's image of the CUDA 13 and cuDNN 9 libraries.
ARG FLAVOUR=cpu

FROM docker.io/library/maven:3.9-eclipse-temurin-17 AS build
ARG FLAVOUR
WORKDIR /src
COPY . .
# The libraries stay in the builder's cache from one build to the next.
RUN --mount=type=cache,target=/root/.m2 \
    case $FLAVOUR in \
      cpu) profile= ;; \
      cuda) profile=-Pcuda ;; \
      *) echo "FLAVOUR is '$FLAVOUR'; it must be cpu or cuda" >&2; exit 1 ;; \
    esac \
    && mvn -q -B -ntp -DskipTests $profile -pl server,trainer -am package \
    && for part in server trainer; do \
         mkdir -p /opt/lethe/$part \
         && cp $part/target/lethe-$part-0.1.0.jar $part/target/lib/*.jar /opt/lethe/$part/ || exit 1; \
       done \
    && cp -r onnx-models/bundles LICENSE NOTICE /opt/lethe/ \
    && cp proto/src/main/proto/inference/LICENSE /opt/lethe/LICENSE.triton

FROM docker.io/library/eclipse-temurin:17-jre-noble AS java

FROM docker.io/library/ubuntu:24.04 AS base-cpu
FROM docker.io/nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04 AS base-cuda
# utility: the driver's library for the metric of GPU memory, and nvidia-smi; GPUs by the numbers that these give them.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility CUDA_DEVICE_ORDER=PCI_BUS_ID LETHE_DEVICE=cuda

FROM base-${FLAVOUR}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home lethe \
    && install -d -o lethe -g root -m 2770 /var/lib/lethe /home/lethe
COPY --from=java /opt/java/openjdk /opt/java
COPY --from=build /opt/lethe /opt/lethe
# A home of every user's, for clusters that run images as users of their own, of the group root, which no file knows.
ENV PATH=/opt/java/bin:$PATH HOME=/home/lethe
# A number, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /var/lib/lethe
# Versions that unlearning makes, which of them are active, jobs, event log and signing key. Models of one's own go to /opt/lethe/bundles.
VOLUME /var/lib/lethe
EXPOSE 8080
# Ready, not only alive. With mutual TLS it has no certificate to show: switch it off (--no-healthcheck).
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD curl -fs -o /dev/null "http://127.0.0.1:${LETHE_PORT:-8080}/readyz" \
    || curl -fsk -o /dev/null "https://127.0.0.1:${LETHE_PORT:-8080}/readyz" || exit 1
# Java is process 1: it takes SIGTERM itself, and drains. Options for it go to JAVA_TOOL_OPTIONS.
# Without memory it ends, and is started anew: it would take connections and answer none. -Xrs: a worker ends by SIGTERM
# at once, not by way of shutdown hooks, of which one of ONNX Runtime's frees what it computes with.
ENTRYPOINT ["java", "-XX:+ExitOnOutOfMemoryError", \
  "-Dlethe.default.host=0.0.0.0", \
  "-Dlethe.default.models=/opt/lethe/bundles", \
  "-Dlethe.default.state=/var/lib/lethe/models", \
  "-Dlethe.default.jobs=/var/lib/lethe/jobs", \
  "-Dlethe.default.worker-command=java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xrs -cp /opt/lethe/trainer/* dev.lethe.trainer.worker.Worker", \
  "-cp", "/opt/lethe/server/*", "dev.lethe.server.ServeCommand"]
