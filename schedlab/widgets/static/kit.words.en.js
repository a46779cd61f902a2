// Every word of the quiz and the knobs in English, as words.en.js holds the player's.
const KIT_WORDS = {};
KIT_WORDS.en = {
  check: 'Check',
  reveal: 'Reveal',
  skip: 'Skip',
  choose: 'Choose an answer first',
  right: '✓ Right.',
  wrong: '✗ Not this one.',
  skipped: 'Skipped.',
  happens: 'What happens: {what}',
  score: '{right} of {all} right at the first try',
  scoreOpen: '{done} of {all} answered, {right} right at the first try',
  knobs: 'Knobs',
  working: 'working…',
  gone: 'not connected: run the cell again to move the knobs',
  amount: '{label}, in {unit}',
};
