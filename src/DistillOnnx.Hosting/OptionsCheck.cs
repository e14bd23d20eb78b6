using Microsoft.Extensions.Options;

namespace DistillOnnx.Hosting;

/// <summary>Reports every fault of the options at once.</summary>
internal sealed class OptionsCheck : IValidateOptions<DistillOnnxOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, DistillOnnxOptions options) =>
        options.Validate() is { Count: > 0 } faults ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
}
