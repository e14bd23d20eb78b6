using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Training.Generation;

namespace DistillOnnx.Toolchain.Tests;

/// <summary>A random student in <c>checkpoint</c>, and in <c>data</c> validation rows whose gold labels are its own
/// answers, so that it is always right.</summary>
internal static class TinyProject
{
    /// <summary>Writes both, and gives the options that export the student to <c>bundle</c>.</summary>
    public static ExportOptions Create(string root, TaskSpec task, int seed)
    {
        var checkpoint = Path.Combine(root, "checkpoint");
        RandomCheckpoint.Write(checkpoint, RandomCheckpoint.Uneven, task, seed, TinyTokenizer.SpieceModel);
        using var student = StudentPredictor.Open(checkpoint, "cpu");
        WriteData(Path.Combine(root, "data"), task, input => student.Predict([input])[0].Label);
        return new ExportOptions { Model = checkpoint, Out = Path.Combine(root, "bundle"), Data = Path.Combine(root, "data"), Threads = 1 };
    }

    /// <summary>Writes 40 validation rows of random letters.</summary>
    public static void WriteData(string directory, TaskSpec task, Func<PredictorInput, string> label)
    {
        var random = new Random(5);
        using var writer = DatasetWriter.Create(directory, task);
        for (var i = 0; i < 40; i++)
        {
            var text = string.Concat(Enumerable.Range(0, 5 + (i % 20)).Select(_ => (char)random.Next('a', 'z' + 1)));
            string[]? choices = task.Kind == TaskKind.Choices ? ["yes", "no", text[..3]] : null;
            var gold = label(new PredictorInput(text, choices));
            writer.Write(
                SplitNames.Validation,
                new Example { Id = $"{i}", Input = text, Label = gold.Length == 0 ? "none" : gold, Choices = choices });
        }

        writer.Commit();
    }
}
