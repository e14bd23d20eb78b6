using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Export;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Toolchain.Tests.Selection;

/// <summary>A random student as checkpoint and bundle, and pools of random letters.</summary>
public sealed class SelectionFixture : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public SelectionFixture()
    {
        RandomCheckpoint.Write(Checkpoint, RandomCheckpoint.Uneven, Task, seed: 4, TinyTokenizer.SpieceModel);
        BundleExporter.Export(new BundleExportOptions { Model = Checkpoint, Out = Bundle }, Reporter.None);
    }

    public static TaskSpec Task { get; } = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no", "maybe"] };

    public string Checkpoint => _directory["checkpoint"];

    public string Bundle => _directory["bundle"];

    public void Dispose() => _directory.Dispose();

    /// <summary>Rows without labels; every tenth input is that of the row before.</summary>
    internal static List<Example> Rows(int count, int seed = 6)
    {
        var random = new Random(seed);
        var rows = new List<Example>();
        for (var i = 0; i < count; i++)
        {
            var text = i % 10 == 9
                ? rows[^1].Input
                : string.Concat(Enumerable.Range(0, 4 + (i % 30)).Select(_ => (char)random.Next('a', 'z' + 1)));
            rows.Add(new Example { Id = $"r{i}", Input = text });
        }

        return rows;
    }

    internal static void Write(string directory, IEnumerable<Example> rows, TaskSpec? task = null)
    {
        using var writer = DatasetWriter.Create(directory, task ?? Task);
        foreach (var row in rows) writer.Write(SplitNames.Train, row);
        writer.Write(SplitNames.Test, new Example { Id = "t", Input = "held out", Label = "yes" });
        writer.Commit();
    }
}
