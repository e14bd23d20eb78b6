using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Prediction;

/// <summary>
/// A student that writes rationales. They are the student's own words about an input, decoded apart from its label: not a proof
/// of the label, and not what the label was found by. Implementations may be called from several threads.
/// </summary>
public interface IExplainer
{
    /// <summary>Writes a rationale for each input, in the order of the inputs.</summary>
    /// <param name="inputs">The inputs; their choices are not read.</param>
    /// <param name="settings">Limit and beams.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <exception cref="InputException">The student was trained without rationales, or lacks the graphs that write text.</exception>
    /// <exception cref="InferenceException">The model failed on an input, or answers it with values that are no numbers.</exception>
    IReadOnlyList<Rationale> Explain(
        IReadOnlyList<PredictorInput> inputs, ExplainSettings settings, CancellationToken cancellationToken = default);

    /// <summary>Refuses a student whose task tells a question for a rationale from one for a label by nothing.</summary>
    /// <param name="task">The student's task.</param>
    /// <exception cref="InputException">The two prefixes are the same.</exception>
    static void RequireRationales(TaskSpec task)
    {
        if (task.ExplainPrefix == task.PredictPrefix)
            throw new InputException(
                $"task \"{task.Name}\": the student was trained without rationales and cannot explain: both prefixes are "
                    + $"\"{task.ExplainPrefix}\"");
    }
}
