"""Chapter 4's exercises, in the order in which they are done."""

ORDER = (
    "slope_by_turning",
    "neuron_gradient",
    "sgd_step",
    "adamw_step",
    "rate_at",
    "clip_gradients",
    "decays",
    "mean_loss",
    "train_linear",
    "training_flops",
    "days_of_training",
)
