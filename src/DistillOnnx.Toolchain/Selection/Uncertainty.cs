using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Selection;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>How unsure a student is of a row, from 0 (sure) to 1.</summary>
internal static class Uncertainty
{
    // A batch of another shape moves a probability by some 1e-7: what is compared keeps less than that.
    private const int Decimals = 6;

    /// <summary>Refuses a task whose answers have no probabilities.</summary>
    /// <exception cref="InputException">The answers are open text.</exception>
    public static void RequireProbabilities(TaskSpec task, SelectionOptions options)
    {
        if (task.Kind == TaskKind.Text && options.ReadsProbabilities)
            throw new InputException(
                $"--by {options.By.ToString().ToLowerInvariant()}: task \"{task.Name}\" has open answers, which have no probabilities; "
                + "use coverage or random");
    }

    /// <summary>Of an answer.</summary>
    public static double Of(LabelPrediction answer, UncertaintyMeasure measure) => Of(answer.Probabilities!, measure);

    /// <summary>Of probabilities that sum to 1.</summary>
    /// <param name="probabilities">One a label; at least one.</param>
    /// <param name="measure">The measure.</param>
    public static double Of(IReadOnlyList<double> probabilities, UncertaintyMeasure measure)
    {
        if (probabilities.Count < 2) return 0;
        var value = measure switch
        {
            UncertaintyMeasure.Margin => 1 - Margin(probabilities),
            UncertaintyMeasure.Entropy => Entropy(probabilities) / Math.Log(probabilities.Count),
            _ => Change(probabilities) / Math.Sqrt(1 - 1.0 / probabilities.Count),
        };
        return Math.Round(value, Decimals);
    }

    private static double Margin(IReadOnlyList<double> probabilities)
    {
        var (best, second) = (double.MinValue, double.MinValue);
        foreach (var p in probabilities)
        {
            if (p > best) (best, second) = (p, best);
            else if (p > second) second = p;
        }

        return best - second;
    }

    private static double Entropy(IReadOnlyList<double> probabilities)
    {
        var sum = 0.0;
        foreach (var p in probabilities) sum -= p > 0 ? p * Math.Log(p) : 0;
        return sum;
    }

    // The gradient of −ln p_y by the scores is p − e_y, of length √(Σp² − 2p_y + 1); its mean over y as the student expects it, which is
    // √(1 − 1/n) where all n labels are equally probable.
    private static double Change(IReadOnlyList<double> probabilities)
    {
        double squares = 0, sum = 0;
        foreach (var p in probabilities) squares += p * p;
        foreach (var p in probabilities) sum += p * Math.Sqrt(Math.Max(0, squares - 2 * p + 1));
        return sum;
    }
}
