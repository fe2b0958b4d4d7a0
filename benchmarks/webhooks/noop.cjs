// The peer's app: one handler that does nothing.
module.exports = (app) => {
  app.on("pull_request", async () => {});
};
