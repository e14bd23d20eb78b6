using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>The model against golden values of the reference implementation.</summary>
public sealed class ReferenceParityTests
{
    public static TheoryData<string> Names => Golden.Names;

    [Theory, MemberData(nameof(Names))]
    public void EncodeAndDecode_PaddedBatch_EqualReference(string name)
    {
        using var golden = new Golden(name);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (ids, mask, targets) = (golden.Ids("input_ids"), golden.Ids("attention_mask"), golden.Ids("labels"));
        var encoded = golden.Model.Encode(ids, mask);
        Close.Assert(golden.Floats("encoder_output"), encoded, "encoder output");
        Assert.Equal(golden.Ids("decoder_input_ids").data<long>().ToArray(), golden.Model.ShiftRight(targets).data<long>().ToArray());
        var hidden = golden.Model.DecodeHidden(golden.Ids("decoder_input_ids"), encoded, mask);
        Close.Assert(golden.Floats("logits"), golden.Model.Logits(hidden), "logits");
        Close.Assert(golden.Floats("loss"), golden.Model.TargetLoss(hidden, targets), "loss");
    }

    [Theory, MemberData(nameof(Names))]
    public void Backward_EveryParameter_EqualsReference(string name)
    {
        using var golden = new Golden(name);
        using var scope = NewDisposeScope();
        var (ids, mask, targets) = (golden.Ids("input_ids"), golden.Ids("attention_mask"), golden.Ids("labels"));
        golden.Model.TargetLoss(golden.Model.DecodeHidden(golden.Model.ShiftRight(targets), golden.Model.Encode(ids, mask), mask), targets)
            .backward();

        using var gradients = SafetensorsFile.Open(Path.Combine(golden.Directory, "gradients.safetensors"));
        var parameters = golden.Model.named_parameters().ToList();
        Assert.Equal(gradients.Tensors.Count, parameters.Count);
        var largest = parameters.Max(p => p.parameter.grad!.abs().max().item<float>());
        foreach (var (parameter, tensor) in parameters)
        {
            var expected = new float[gradients.Tensors[parameter].ElementCount];
            gradients.ReadFloat32(parameter, expected);
            // Where a model has memorised its targets, a softmax less one is left, whose digits cancel in either implementation:
            // there the yardstick is the largest gradient of all.
            var floor = name.EndsWith("-fit", StringComparison.Ordinal) ? largest : 0;
            Close.Assert(expected, tensor.grad!, parameter, floor: floor);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Encode_LongInput_EqualsReference(string name)
    {
        using var golden = new Golden(name);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var ids = golden.Ids("long", "input_ids");
        var mask = ones_like(ids);
        var encoded = golden.Model.Encode(ids, mask);
        Close.Assert(golden.Floats("long", "encoder_last_row"), encoded[0, -1], "last encoder state");
    }

    [Theory, MemberData(nameof(Names))]
    public void SaveWeights_ThenLoad_IsBitIdentical(string name)
    {
        using var golden = new Golden(name);
        var directory = Directory.CreateTempSubdirectory("distillonnx-test-");
        try
        {
            golden.Model.SaveWeights(Path.Combine(directory.FullName, CheckpointFiles.Weights));
            CheckpointFiles.WriteConfig(directory.FullName, golden.Model.Config, golden.Directory);
            using var checkpoint = Checkpoint.Open(directory.FullName);
            using var again = T5Model.Load(checkpoint);
            Assert.True(golden.Model.FlatParameters.Equals(again.FlatParameters));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Load_PyTorchFile_GivesTheSafetensorsWeightsBitByBit(string name)
    {
        using var golden = new Golden(name);
        var directory = Directory.CreateTempSubdirectory("distillonnx-test-");
        try
        {
            foreach (var file in (string[])["config.json", "pytorch_model.bin"])
                File.Copy(Path.Combine(golden.Directory, file), Path.Combine(directory.FullName, file));
            using var checkpoint = Checkpoint.Open(directory.FullName);
            using var model = T5Model.Load(checkpoint);
            Assert.True(golden.Model.FlatParameters.Equals(model.FlatParameters));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Load_AnotherShape_NamesTheTensor()
    {
        using var golden = new Golden("t5-v1.0-tiny");
        using var checkpoint = Checkpoint.Open(golden.Directory);
        using var other = new T5Model(golden.Model.Config with { DFf = 64 });
        var fault = Assert.Throws<InputException>(() => other.LoadWeights(checkpoint));
        Assert.Contains("wi.weight", fault.Message, StringComparison.Ordinal);
    }
}
