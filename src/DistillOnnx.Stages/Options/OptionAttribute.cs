namespace DistillOnnx.Stages.Options;

/// <summary>
/// Makes a property of a stage's options settable by flag (<c>--max-steps</c>), environment (<c>DISTILL_TRAIN_MAX_STEPS</c>)
/// and configuration file (<c>"max_steps"</c>). The names follow from the property's, so a stage declares an option once.
/// </summary>
/// <param name="help">What it does, its unit and its meaning when it is left out: one line for <c>--help</c>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string help) : Attribute
{
    /// <summary>What it does: one line for <c>--help</c>.</summary>
    public string Help { get; } = help;

    /// <summary>Placeholder for the value in <c>--help</c>, for instance <c>FILE</c>; null: from the type.</summary>
    public string? Value { get; init; }

    /// <summary>Whether it is given by position, before the flags, instead of by name.</summary>
    public bool Argument { get; init; }

    /// <summary>Whether the stage cannot run without it.</summary>
    public bool Required { get; init; }

    /// <summary>
    /// Whether the value is a secret. It is then taken from the environment, or from a file that <c>--NAME-file</c>, the key
    /// <c>NAME_file</c> or the variable <c>…_NAME_FILE</c> names; never from the command line or a configuration file itself, and
    /// it is never saved or logged.
    /// </summary>
    public bool Secret { get; init; }
}
