using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Pretraining;

/// <summary>
/// Teaches a student to read by T5's span corruption: a warm start where no public checkpoint can be had, or adaptation to a domain.
/// </summary>
public static class StudentPretrainer
{
    /// <summary>Pretrains a student.</summary>
    /// <param name="options">What text, and how.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; <see cref="RunOptions.Resume"/> continues it.</exception>
    /// <exception cref="DivergenceException">The losses diverged.</exception>
    /// <exception cref="IOException">A checkpoint cannot be saved, for instance because the disk is full; the last save stands.</exception>
    public static Task<PretrainResult> RunAsync(PretrainOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        Task.Run(
        () =>
        {
            var run = new TextRun(options, reporter).Run(cancellationToken);
            return new PretrainResult(
                run.Checkpoint, run.BestStep, run.Best?.ValidationLabelLoss, run.Steps, run.Seconds, run.TokensPerSecond);
        },
        CancellationToken.None);
}
