using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.IO;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Checkpointing;

/// <summary>
/// The checkpoint directory of a run. It appears whole with its first save; from then on single files are written aside and
/// renamed into place, so that whatever happens, when the process is killed or the disk is full, the last save stands.
/// </summary>
internal sealed class CheckpointStore : IDisposable
{
    private readonly T5Model _model;
    private readonly float _dropout;
    private readonly T5Tokenizer _tokenizer;
    private readonly TaskSpec? _task;
    private readonly string? _source;
    private readonly TrainingReport _report;
    private readonly bool _overwrite;
    private readonly bool _writes;
    private IDisposable? _held;

    /// <param name="target">The directory.</param>
    /// <param name="overwrite">Whether an existing one may be replaced by the first save.</param>
    /// <param name="isOurs">Whether the existing one is this run's, which goes on.</param>
    /// <param name="model">The student.</param>
    /// <param name="dropout">
    /// The share of activations dropped that its configuration is written with: not that of the run, which would silently be that of
    /// every later one.
    /// </param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="task">Its task; null where it has none yet.</param>
    /// <param name="source">The checkpoint that it began from; null: none.</param>
    /// <param name="report">What <c>training.json</c> says beside the evaluations.</param>
    /// <param name="writes">Whether this process is the one of its group that writes; the others' saves do nothing.</param>
    public CheckpointStore(
        string target, bool overwrite, bool isOurs, T5Model model, float dropout, T5Tokenizer tokenizer, TaskSpec? task, string? source,
        TrainingReport report, bool writes = true)
    {
        (Target, _writes, _dropout) = (target, writes, dropout);
        (_overwrite, Exists, _model, _tokenizer, _task, _source, _report) = (overwrite, isOurs, model, tokenizer, task, source, report);
        if (isOurs && writes) _held = ResumeFile.Hold(target);
    }

    /// <summary>The directory.</summary>
    public string Target { get; }

    /// <summary>Whether it holds a save of this run.</summary>
    public bool Exists { get; private set; }

    /// <summary>Saves the model's weights as the best so far, and the report.</summary>
    /// <param name="state">Where the run stands.</param>
    public void SaveWeights(TrainingState state) => Guard(() =>
    {
        if (!Exists)
        {
            Create(state, null, null);
            return;
        }

        _model.SaveWeights(Path.Combine(Target, CheckpointFiles.Weights));
        _report.Save(Target, state, TrainingFile.Running);
    });

    /// <summary>Saves what a resumed run needs, and the report.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="weights">[parameters].</param>
    /// <param name="optimizer">The optimizer's tensors.</param>
    public void SaveResume(TrainingState state, Tensor weights, IReadOnlyDictionary<string, Tensor> optimizer) => Guard(() =>
    {
        if (Exists)
        {
            ResumeFile.Save(Target, state, _report.Fingerprint, weights, optimizer);
            _report.Save(Target, state, TrainingFile.Running);
        }
        else
        {
            Create(state, weights, optimizer);
        }

        _held ??= ResumeFile.Hold(Target);
    });

    /// <summary>Reads what <see cref="SaveResume"/> wrote.</summary>
    /// <param name="weights">Receives the weights.</param>
    /// <param name="optimizer">Receive the optimizer's state.</param>
    public TrainingState LoadResume(Tensor weights, IReadOnlyDictionary<string, Tensor> optimizer) =>
        ResumeFile.Load(Target, weights, optimizer);

    /// <summary>Says that the run is done.</summary>
    /// <param name="state">Where it ended.</param>
    /// <param name="keepResume">Whether what a resumed run needs is kept.</param>
    public void Finish(TrainingState state, bool keepResume) => Guard(() =>
    {
        _report.Save(Target, state, TrainingFile.Finished);
        Dispose();
        if (!keepResume) ResumeFile.Delete(Target);
    });

    /// <summary>Leaves what a resumed run needs to another process.</summary>
    public void Dispose()
    {
        _held?.Dispose();
        _held = null;
    }

    private void Create(TrainingState state, Tensor? weights, IReadOnlyDictionary<string, Tensor>? optimizer)
    {
        using var output = OutputDirectory.Create(Target, _overwrite);
        _model.SaveWeights(output.FilePath(CheckpointFiles.Weights));
        CheckpointFiles.WriteConfig(output.Path, _model.Config with { DropoutRate = _dropout }, _source);
        _tokenizer.Save(output.Path);
        _task?.Save(output.Path);
        _report.Save(output.Path, state, TrainingFile.Running);
        if (weights is not null) ResumeFile.Save(output.Path, state, _report.Fingerprint, weights, optimizer!);
        output.Commit();
        Exists = true;
    }

    /// <summary>The system's message about a full disk or a missing permission names no file, so this adds the checkpoint.</summary>
    private void Guard(Action save)
    {
        if (!_writes) return;
        try
        {
            save();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var last = ResumeFile.Exists(Target) ? "; the last save stands" : "";
            throw new IOException($"{Target}: the checkpoint cannot be saved: {e.Message.ReplaceLineEndings(" ").Trim()}{last}", e);
        }
    }
}
