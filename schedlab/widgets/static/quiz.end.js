export default {
  render({ model, el }) {
    const quiz = new Quiz(model, el);
    return () => quiz.scope.end();
  },
};
