namespace DistillOnnx.Stages.Options;

/// <summary>
/// Marks a property whose record declares options of its own, which several stages share. They become options of the stage,
/// as if the stage had declared them. The property's default must be an instance of the stage's own, not a shared one.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionGroupAttribute : Attribute;
