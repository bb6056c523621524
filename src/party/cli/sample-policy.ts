/** The policy of a new node: it agrees to nothing, and shows how to agree to something. */
export const SAMPLE_POLICY = `# What this node agrees to. Without a rule nothing runs here.
# A task runs when one rule allows all of it. Changes count from the next decision on.
version: 1
rules: []

# rules:
#   - name: credit scoring with orgB
#     action: ask                   # a person approves each task; without it or with allow: nobody does
#     expires: '2027-06-30'         # allows nothing after that day
#     peers: [orgB]                 # every other party of the task
#     purposes: ['credit scoring']  # as the request says; 'unspecified' when it says nothing
#     algorithms: ['vertical/*']    # or vertical/xgboost, ...; also 'predict/*', 'psi/intersection', ...
#     datasets: ['credit/*.csv']    # this node's own data
#     columns:
#       key: [id]
#       label: [defaulted]
#       feature: [age, 'income_*']
#     receivers: [orgB]             # other parties that may learn the result
#     model_release: [full]         # and split
#     # The rest sets limits; what is left out is not limited.
#     alignment: psi                # by keys, never row by row
#     validation: held_out          # no scores of training rows
#     open_bits: 12                 # of every score and weight, at most
#     minimum_columns: 3            # features of each side
#     minimum_margin: 1             # of trees on own features; 1 unless told
#     minimum_intersection: 100     # fewer common records end the task before any is known
#     tasks_per_day: 10
#     budgets:                      # values that orgB ever learns; none of a class that is left out
#       intersection_size: 1000
#       intersection: 5000000
#       domain_guard: 5000
#       validation_scores: 200000
#       metrics: 500
#       column_scales: 1000
#       weights: 1000               # of linear models; of trees what follows
#       split_sums: 10000000
#       split_sides: 100000000
#       trees: 10000
#       thresholds: 10000
`;
