using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The answers of an evaluation beside the gold labels, one JSON line a row; the file appears when all are there.</summary>
internal sealed class PredictionWriter(string path, TaskSpec task) : IDisposable
{
    private readonly AtomicFile _file = AtomicFile.Create(path);

    public void Write(Example row, LabelPrediction answer, string? rationale) =>
        PredictionRow.Write(_file.Stream, row.Id, new PredictorInput(row.Input, row.Choices), answer, task, row.Label, rationale);

    public void Commit() => _file.Commit();

    public void Dispose() => _file.Dispose();
}
