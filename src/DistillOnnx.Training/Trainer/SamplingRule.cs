using System.Globalization;

namespace DistillOnnx.Training.Trainer;

/// <summary>How often rows of each class are drawn: <c>uniform</c>, <c>balanced</c> or <c>temperature=T</c>.</summary>
internal static class SamplingRule
{
    /// <summary>Every row once an epoch.</summary>
    public const string Uniform = "uniform";

    private const string Balanced = "balanced";
    private const string Temperature = "temperature=";

    /// <summary>What is wrong with a rule; null: nothing.</summary>
    /// <param name="rule">The option's text.</param>
    public static string? Fault(string rule) => TryParse(rule, out _)
        ? null
        : $"expected {Uniform}, {Balanced} or {Temperature}T with T at least 1, found \"{rule}\"";

    /// <summary>The power of a class's number of rows that its share is in proportion to: 1 uniform, 0 balanced, else 1/T.</summary>
    /// <param name="rule">A rule without <see cref="Fault"/>.</param>
    public static double Power(string rule) => TryParse(rule, out var power)
        ? power
        : throw new ArgumentException(Fault(rule), nameof(rule));

    private static bool TryParse(string rule, out double power)
    {
        power = rule == Balanced ? 0 : 1;
        if (rule is Uniform or Balanced) return true;
        if (!rule.StartsWith(Temperature, StringComparison.Ordinal)) return false;
        var parsed = double.TryParse(rule[Temperature.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var temperature);
        power = 1 / temperature;
        return parsed && temperature >= 1 && double.IsFinite(temperature);
    }
}
