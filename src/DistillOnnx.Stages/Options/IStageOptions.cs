namespace DistillOnnx.Stages.Options;

/// <summary>The options of one stage: a record whose defaults are its documentation.</summary>
public interface IStageOptions
{
    /// <summary>All faults, empty where there are none. Checked before any work is spent.</summary>
    IReadOnlyList<string> Validate();
}
