export default {
  render({ model, el }) {
    const report = new Report(model, el);
    return () => report.scope.end();
  },
};
