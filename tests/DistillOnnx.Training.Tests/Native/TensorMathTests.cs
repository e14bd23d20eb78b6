using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Native;

/// <summary>Arithmetic with numbers, which TorchSharp frees while a call still reads them.</summary>
public sealed class TensorMathTests
{
    public TensorMathTests() => LibTorch.Load();

    [Fact]
    public void Library_CallsIntoTorchSharp_MakeNoNumbersThatNobodyKeeps()
    {
        var torch = CalledMethods.Of(typeof(TorchSharp.torch).Assembly.Location);
        static bool MakesOne(string method) => method.StartsWith("Scalar::op_Implicit(", StringComparison.Ordinal)
            || method.StartsWith("Scalar::.ctor(", StringComparison.Ordinal)
            || method.StartsWith("ScalarExtensionMethods::ToScalar(", StringComparison.Ordinal);
        var makers = torch.Where(c => MakesOne(c.Callee)).Select(c => c.Caller).ToHashSet(StringComparer.Ordinal);
        while (torch.Count(c => makers.Contains(c.Callee) && makers.Add(c.Caller)) > 0)
        {
        }

        var calls = CalledMethods.Of(typeof(LibTorch).Assembly.Location)
            .Where(c => makers.Contains(c.Callee) || MakesOne(c.Callee))
            .Where(c => !c.Caller.StartsWith("TensorMath::", StringComparison.Ordinal))
            .Select(c => $"{c.Caller} calls {c.Callee}").Distinct().Order(StringComparer.Ordinal);

        // What TorchScript.Invoke hands over, it makes itself and keeps.
        Assert.Equal(
            [
                "<>c::<Invoke>b__11_0(Object) calls ScalarExtensionMethods::ToScalar(Double)",
                "<>c::<Invoke>b__11_0(Object) calls ScalarExtensionMethods::ToScalar(Int64)",
                "TorchScript::Invoke(String,Object[]) calls CompilationUnit::invoke(String,Object[])",
            ],
            calls);
        Assert.Contains("Tensor::op_Addition(Tensor,Tensor)", makers);
        Assert.DoesNotContain("Tensor::mul(Tensor)", makers);
    }

    [Fact]
    public void Functions_OfATensor_GiveWhatTheirNamesSay()
    {
        using var scope = NewDisposeScope();
        Tensor X() => tensor(new[] { -2f, 0f, 3f });
        void Is(float[] expected, Tensor actual) => Assert.Equal(expected, actual.data<float>().ToArray());

        Is([-4, 0, 6], X().Plus(X()));
        Is([-1.5f, 0.5f, 3.5f], X().Plus(0.5));
        Is([-1, 0, 1.5f], X().Times(0.5));
        Is([4, 0, 9], X().Squared());
        Is([-3, 0, 4.5f], X().AddInPlace(X(), 0.5));
        Is([-1, 1, 4], X().AddInPlace(1));
        Is([4, 0, -6], X().MultiplyInPlace(-2));
        Is([1, 1, 3], X().AtLeastInPlace(1));
        Is([-2, 0, 1], X().AtMostInPlace(1));
        Is([7, 7, 7], X().FillInPlace(7));
        Is([0, 0, 1], X().EqualTo(3).to(ScalarType.Float32));
        Is([1, 1, 0], X().OtherThan(3).to(ScalarType.Float32));
        Is([9, 0, 3], X().FilledWhere(X().EqualTo(-2), 9));
        Is([5, 5], TensorMath.Constant([2], 5, ScalarType.Float32, CPU));
    }

    [Fact]
    public void Plus_WhileOtherThreadsCollectGarbage_AddsWhatItIsGiven()
    {
        using var scope = NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        using var one = ones(4);
        for (var i = 0; i < 20_000; i++)
        {
            using var sum = one.Plus(i);
            using var twice = sum.Plus(sum);
            Assert.Equal(2f * (i + 1), twice.data<float>()[0]);
        }

        stop.Cancel();
        collector.Join();
    }
}
