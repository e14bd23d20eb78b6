using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data;

/// <summary>Accuracy without any skill: of always giving the most frequent label, or of drawing one of a row's choices.</summary>
public static class Chance
{
    /// <summary>The accuracy of chance on rows.</summary>
    /// <param name="task">What they ask.</param>
    /// <param name="rows">The rows; those without a gold label are passed over.</param>
    /// <returns>A fraction of one; null for open tasks, and where no row has a label.</returns>
    public static double? Of(TaskSpec task, IEnumerable<Example> rows)
    {
        if (task.Kind == TaskKind.Text) return null;
        var labels = new Dictionary<string, long>(StringComparer.Ordinal);
        var (count, drawn) = (0L, 0.0);
        foreach (var row in rows)
        {
            if (row.Label is null) continue;
            count++;
            if (task.Kind == TaskKind.Choices) drawn += 1.0 / row.Choices!.Count;
            else labels[row.Label] = labels.GetValueOrDefault(row.Label) + 1;
        }

        if (count == 0) return null;
        return (task.Kind == TaskKind.Choices ? drawn : labels.Values.Max()) / count;
    }
}
