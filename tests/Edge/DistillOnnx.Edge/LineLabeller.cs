using System.Globalization;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;

namespace DistillOnnx.Edge;

/// <summary>Answers each line of a text with its label and, for a closed set, the label's probability.</summary>
/// <param name="predictor">The opened bundle.</param>
internal sealed class LineLabeller(BundlePredictor predictor)
{
    /// <summary>Called once, when the first answer is written.</summary>
    public Action? FirstAnswer { get; set; }

    /// <summary>Reads to the end.</summary>
    /// <param name="texts">One input a line; for a task whose rows bring choices, the choices follow it, parted by tabs.</param>
    /// <param name="answers">Gets a line for each: label, tab, probability.</param>
    public void Run(TextReader texts, TextWriter answers)
    {
        while (texts.ReadLine() is { } line)
        {
            var parts = line.Split('\t');
            var answer = predictor.Predict([new PredictorInput(parts[0], parts.Length > 1 ? parts[1..] : null)])[0];
            answers.WriteLine(
                answer.Probability is { } p ? string.Create(CultureInfo.InvariantCulture, $"{answer.Label}\t{p:0.0000}") : answer.Label);
            answers.Flush();
            FirstAnswer?.Invoke();
            FirstAnswer = null;
        }
    }
}
