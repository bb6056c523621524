/** The policy of a new node: it agrees to nothing, and shows how to agree to something. */
export const SAMPLE_POLICY = `# What this node agrees to. Without a rule nothing runs here.
# A task runs when one rule allows all of it. Changes count from the next task on.
version: 1
rules: []

# rules:
#   - name: credit scoring with orgB
#     peers: [orgB]                 # every other party of the task
#     purposes: ['credit scoring']  # as the request says; 'unspecified' when it says nothing
#     algorithms: ['vertical/*']    # partition/name
#     datasets: ['credit/*.csv']    # this node's own data
#     columns:
#       key: [id]
#       label: [defaulted]
#       feature: [age, 'income_*']
#     receivers: [orgB]             # other parties that may learn the model
#     model_release: [full]
`;
