"""The lab language model: a small world, a corpus about it, and a model pretrained on that corpus.

words, verbs    the vocabulary and its inflection
frames, events  clauses written once, compiled for every tense and agreement
world           fixed facts; people and things that stories are about
stories         document shapes, from passages and happenings; corpus strings them together by seed
parser          the recogniser for the same grammar: is a sample grammatical?
domains         two registers kept out of pretraining: clinic notes, contracts
tokenizer, pretrain, ngrams, score      from text to weights, and how good they are
tasks, sequence                         what the model is tuned on in the lessons
"""
