# SPDX-License-Identifier: GPL-2.0-only
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /lockstep
COPY . .
RUN npm ci --ignore-scripts && node tools/bootstrap/generate.mjs && node tools/bootstrap/build.mjs && npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
WORKDIR /lockstep
COPY --from=build /lockstep/node_modules node_modules
COPY --from=build /lockstep/dist dist
COPY --from=build /lockstep/prisma prisma
RUN install -d -o node -g node -m 0700 /var/lib/lockstep /var/lib/lockstep-artifacts /var/lib/lockstep-keys
USER node
ENV NODE_ENV=production LOCKSTEP_STATE_DIR=/var/lib/lockstep LOCKSTEP_LISTEN_HOST=0.0.0.0
# What helper threads had stays with them otherwise, and a connection's buffers, of which little is used, lie in memory that others have
# used: at a fleet of ten thousand a quarter of a gigabyte.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384
EXPOSE 7443 7444
# SIGTERM ends streams and jobs in order.
ENTRYPOINT ["node", "dist/control-plane.js"]
