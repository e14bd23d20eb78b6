using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Trainer;

/// <summary>Stage 2: trains a student on a dataset and writes its checkpoint.</summary>
public static class StudentTrainer
{
    /// <summary>Trains a student.</summary>
    /// <param name="options">What, on what, and how.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; <see cref="RunOptions.Resume"/> continues it.</exception>
    /// <exception cref="DivergenceException">The losses diverged.</exception>
    /// <exception cref="IOException">A checkpoint cannot be saved, for instance because the disk is full; the last save stands.</exception>
    public static Task<TrainResult> RunAsync(TrainOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, reporter, cancellationToken), CancellationToken.None);

    /// <summary>Refuses what is no student, for a stage that begins to train late.</summary>
    /// <param name="student">A preset's name, a checkpoint directory or a <c>config.json</c>.</param>
    /// <param name="option">The option that gave it, for messages.</param>
    /// <exception cref="InputException">It is none of them, or cannot be used.</exception>
    public static void RequireStudent(string student, string option = "--student") => StudentSource.Resolve(student, option: option);

    /// <summary>Trains a student on the calling thread.</summary>
    internal static TrainResult Run(TrainOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var run = new DatasetRun(options, reporter).Run(cancellationToken);
        return new TrainResult(
            run.Checkpoint,
            run.BestStep,
            run.Best?.ValidationAccuracy,
            run.Steps,
            run.Seconds,
            run.TokensPerSecond,
            run.Best?.ValidationMacroF1);
    }
}
