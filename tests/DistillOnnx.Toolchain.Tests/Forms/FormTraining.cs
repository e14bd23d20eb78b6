using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>Trains a checkpoint for a few steps, so that what training saves can be looked at.</summary>
internal static class FormTraining
{
    /// <summary>Trains on made-up rows.</summary>
    /// <param name="student">A checkpoint with a tokenizer, or the name of a preset.</param>
    /// <param name="output">Where the run is to be written.</param>
    /// <returns>The checkpoint that it saved.</returns>
    public static async Task<string> RunAsync(string student, string output)
    {
        using (var writer = DatasetWriter.Create(output + "-data", FormCheck.Task))
        {
            foreach (var split in (string[])[SplitNames.Train, SplitNames.Validation])
            {
                for (var i = 0; i < 8; i++)
                {
                    var label = i % 2 == 0 ? "yes" : "no";
                    writer.Write(split, new Example { Id = $"{i}", Input = $"is it {i}", Label = label, Rationale = $"{i} is it" });
                }
            }

            writer.Commit();
        }

        var options = new TrainOptions
        {
            Data = output + "-data",
            Student = student,
            Out = output,
            MaxSteps = 3,
            BatchSize = 8,
            LearningRate = 1e-2,
            Device = "cpu",
            Seed = 4,
        };
        return (await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)).Checkpoint;
    }
}
