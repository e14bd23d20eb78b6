using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Schedules;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Engines;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>What a run is made of beside its data: the label loss, its weight, and its length.</summary>
public sealed class RecipeTests
{
    [Theory]
    [InlineData("relu")]
    [InlineData("gelu")]
    public async Task RunAsync_LossWithinTheClosedSet_LearnsAndIsTheLossThatTheTaskIsMeasuredBy(string activation)
    {
        // The exact GELU is what only the engine for every device has.
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with
        {
            Student = TinyTask.Shape(directory, activation),
            LabelLoss = LabelLoss.ClosedSet,
            MaxSteps = 120,
            EvaluateEvery = 60,
            BatchSize = 16,
        };

        var result = await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.True(result.ValidationAccuracy >= 0.9, $"accuracy {result.ValidationAccuracy}");
        using var predictor = StudentPredictor.Open(result.Checkpoint, "cpu");
        var rows = Dataset.Open(options.Data).Load("validation");
        var answers = predictor.Predict([.. rows.Select(r => new PredictorInput(r.Input))], TestContext.Current.CancellationToken);
        var loss = rows.Zip(answers).Average(p => -Math.Log(p.Second.Probabilities![p.First.Label == "fruit" ? 0 : 1]));
        var best = Report(result)["evaluations"]!.AsArray().Single(e => (int)e!["step"]! == result.BestStep)!;
        Assert.Equal(loss, (double)best["validation_label_loss"]!, 1e-3);
    }

    [Theory]
    [InlineData(TrainingMethod.StepByStep, "labels", "labels")]
    [InlineData(TrainingMethod.StepByStep, "text", "tokens")]
    [InlineData(TrainingMethod.Standard, "labels", "tokens")]
    [InlineData(TrainingMethod.SingleTask, "labels", "tokens")]
    public async Task RunAsync_LabelLossThatNobodyChose_CountsLabelsOnceWhereThereIsAClosedSetAndTwoTasks(
        TrainingMethod method, string kind, string expected)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Method = method, MaxSteps = 2, Out = directory["auto"] };
        if (kind == "text")
            File.WriteAllText(Path.Combine(options.Data, "task.json"), """{"name":"things","kind":"text","metric":"text"}""");

        var chosen = await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var named = await StudentTrainer.RunAsync(
            options with { LabelLoss = expected == "tokens" ? LabelLoss.Tokens : LabelLoss.Labels, Out = directory["named"] },
            Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal(expected, (string?)Report(chosen)["options"]!["label_loss"]);
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(named.Checkpoint, "model.safetensors")),
            await File.ReadAllBytesAsync(Path.Combine(chosen.Checkpoint, "model.safetensors")));
    }

    [Fact]
    public void Allowed_LabelsThatBeginAlike_AreToldApartAtTheirBranchingAlone()
    {
        var tokenizer = TinyTask.Tokenizer();
        var task = new TaskSpec { Name = "t", Kind = TaskKind.Labels, Labels = ["a saw", "a fig", "plum"] };
        var encoder = new InputEncoder(tokenizer, task);
        var (saw, fig, plum) = (encoder.EncodeLabel("a saw"), encoder.EncodeLabel("a fig"), encoder.EncodeLabel("plum"));

        var allowed = new ClosedSets(encoder).Allowed(new Example { Id = "r", Input = "" }, "a saw");

        var shared = saw.Zip(fig).TakeWhile(p => p.First == p.Second).Count();
        Assert.True(shared > 0);
        Assert.Equal(saw.Length, allowed.Count);
        Assert.Equal(new[] { saw[0], plum[0] }.Order(), allowed[0]);
        Assert.Equal(new[] { saw[shared], fig[shared] }.Order(), allowed[shared]);
        Assert.All(allowed.Index().Where(a => a.Index != 0 && a.Index != shared), a => Assert.Equal([saw[a.Index]], a.Item));
    }

    [Theory]
    [InlineData("a saw")]
    [InlineData("plum")]
    public void Encode_LabelOfAClosedSet_EndsAtItsLastChoiceAndLosesNothing(string label)
    {
        var task = new TaskSpec { Name = "t", Kind = TaskKind.Labels, Labels = ["a saw", "a fig", "plum"] };
        var encoder = new InputEncoder(TinyTask.Tokenizer(), task);
        var allowed = new ClosedSets(encoder).Allowed(new Example { Id = "r", Input = "" }, label);
        var options = new TrainOptions { Method = TrainingMethod.Standard, LabelLoss = LabelLoss.ClosedSet };

        var row = Assert.Single(new ExampleEncoder(encoder, options).Encode(
            [new Example { Id = "r", Input = "one of three", Label = label }], "train", Reporter.None));

        var sequence = Assert.Single(row.Sequences);
        var whole = encoder.EncodeLabel(label);
        Assert.Equal(1 + allowed.Index().Last(a => a.Item.Length > 1).Index, sequence.Target.Length);
        Assert.True(sequence.Target.Length < whole.Length);
        Assert.Equal(whole.Take(sequence.Target.Length), sequence.Target);
        Assert.Equal(allowed.Take(sequence.Target.Length), sequence.Allowed!);
        using var model = new T5Model(EngineGradientTests.Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using var engine = new UnpaddedEngine(model);
        double Loss(TrainingSequence s) => engine.Evaluate(new MicroBatch([s], 1, 0)).Label;
        Assert.Equal(Loss(sequence with { Target = whole, Allowed = allowed }), Loss(sequence), 1e-6);
    }

    [Fact]
    public void Allowed_LabelThatIsNoneOfTheRowsChoices_IsRefusedByItsRow()
    {
        var encoder = new InputEncoder(TinyTask.Tokenizer(), new TaskSpec { Name = "t", Kind = TaskKind.Choices });

        var fault = Assert.Throws<InputException>(() =>
            new ClosedSets(encoder).Allowed(new Example { Id = "r7", Input = "", Choices = ["saw", "fig"] }, "plum"));

        Assert.Equal("row r7: --label-loss closed-set: the label \"plum\" is none of its choices", fault.Message);
    }

    [Fact]
    public async Task RunAsync_LossWithinTheClosedSetOfAnOpenTask_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { LabelLoss = LabelLoss.ClosedSet };
        File.WriteAllText(Path.Combine(options.Data, "task.json"), """{"name":"things","kind":"text","metric":"text"}""");

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));

        Assert.Contains("--label-loss closed-set: needs a task with a closed set", fault.Message, StringComparison.Ordinal);
        Assert.Contains("kind text", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0.2)]
    [InlineData(5, 0.5)]
    [InlineData(10, 0.8)]
    [InlineData(40, 0.8)]
    public void At_Alpha_IsOnTheLineFromTheFirstStepToTheLast(int step, double expected) =>
        Assert.Equal(expected, new AlphaSchedule(0.2, 0.8, 11).At(step), 1e-12);

    [Fact]
    public async Task RunAsync_AlphaThatStaysOrMoves_GivesOtherWeights()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Alpha = 0.3 };
        async Task<byte[]> Weights(string name, double? end) => await File.ReadAllBytesAsync(Path.Combine(
            (await StudentTrainer.RunAsync(
                options with { Out = directory[name], AlphaEnd = end }, Reporter.None, TestContext.Current.CancellationToken)).Checkpoint,
            "model.safetensors"));

        var stays = await Weights("a", null);

        Assert.Equal(stays, await Weights("b", 0.3));
        Assert.NotEqual(stays, await Weights("c", 0.9));
    }

    [Theory]
    [InlineData(TrainingMethod.Standard)]
    [InlineData(TrainingMethod.StepByStep)]
    public async Task RunAsync_MaxTokens_TakesStepsOfAboutSoManyTokens(TrainingMethod method)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = null, MaxTokens = 4000, Method = method };

        var result = await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.InRange((long)Report(result)["tokens"]!, 3800, 4200);
    }

    [Fact]
    public void Validate_OptionsThatContradict_AreNamed()
    {
        var options = new TrainOptions
        {
            Data = "d",
            Student = "s",
            Out = "o",
            MaxSteps = 1,
            MaxTokens = 1,
            Alpha = 0.3,
            AlphaEnd = 0.5,
            LabelLoss = LabelLoss.ClosedSet,
            Method = TrainingMethod.SingleTask,
        };

        Assert.Equal(
            [
                "--alpha: only step-by-step has two losses to weigh",
                "--alpha-end: only step-by-step has two losses to weigh",
                "--label-loss closed-set: single-task's targets go on after the label, so they are no closed set",
                "--max-tokens and --max-steps exclude each other",
            ],
            options.Validate());
    }

    private static JsonNode Report(TrainResult result) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(result.Checkpoint, "training.json")))!;
}
