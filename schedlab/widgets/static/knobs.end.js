export default {
  render({ model, el }) {
    const knobs = new Knobs(model, el);
    return () => knobs.scope.end();
  },
};
