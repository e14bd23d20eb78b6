using System.Text.Json.Nodes;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Trainer;

/// <summary>What a run teaches and how it is measured: all in which training and pretraining differ.</summary>
/// <param name="Task">The task that the checkpoint will carry; null: none.</param>
/// <param name="Plan">Steps, rates and weights.</param>
/// <param name="Rows">The rows of each step.</param>
/// <param name="Evaluator">Makes what measures the student.</param>
/// <param name="Data">What the report says of the data; a resumed run must have the same <c>…_sha256</c>.</param>
/// <param name="Dropout">Share of activations dropped; null: as the student's configuration says.</param>
/// <param name="Size">How much data there is, for a message.</param>
/// <param name="FreeOptions">Options, by their names in JSON, that a resumed run may change beside those that any run may.</param>
/// <param name="KeepResume">Whether what a resumed run needs is kept when the run is done.</param>
internal sealed record RunInputs(
    TaskSpec? Task, TrainingPlan Plan, ITrainingRows Rows, Func<IStudentEngine, T5Model, IStudentEvaluator> Evaluator, JsonObject Data,
    double? Dropout, string Size, IReadOnlyList<string> FreeOptions, bool KeepResume);
