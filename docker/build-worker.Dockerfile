# SPDX-License-Identifier: GPL-2.0-only
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /lockstep
COPY . .
RUN npm ci --ignore-scripts && node tools/bootstrap/generate.mjs && node tools/bootstrap/build.mjs && npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
# The compiler must be the one that built the kernels: a worker refuses any other.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc make flex bison bc perl libelf-dev libssl-dev xz-utils bubblewrap \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /lockstep
COPY --from=build /lockstep/node_modules node_modules
COPY --from=build /lockstep/dist dist
RUN install -d -o node -g node -m 0700 /var/lib/lockstep-artifacts /var/cache/lockstep
USER node
ENV NODE_ENV=production LOCKSTEP_ARTIFACT_DIR=/var/lib/lockstep-artifacts LOCKSTEP_CACHE_DIR=/var/cache/lockstep
ENTRYPOINT ["node", "dist/build-worker.js"]
