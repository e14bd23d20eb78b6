using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Parallel;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Training;

/// <summary>Training with its curves drawn beside the checkpoint, as the command line does it.</summary>
public static class TrainStage
{
    /// <summary>Trains a student and draws its curves.</summary>
    /// <param name="options">What, on what, and how.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    public static async Task<TrainResult> RunAsync(TrainOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var result = await StudentTrainer.RunAsync(options, reporter, cancellationToken);
        if (ParallelProcess.IsReportingRank(options.Parallel))
            TrainingCurves.Draw(result.Checkpoint);
        return result;
    }
}
