using CsCheck;
using DistillOnnx.Runtime.Labels;

namespace DistillOnnx.Runtime.Tests.Labels;

public sealed class SoftmaxTests
{
    [Fact]
    public void Log_AnyValuesAndTemperature_SumsToOneAndKeepsTheOrder() =>
        Gen.Select(Gen.Double[-700, 700].Array[1, 20], Gen.Double[0.05, 20]).Sample((values, temperature) =>
        {
            var logs = Softmax.Log(values, temperature);
            return Math.Abs(logs.Sum(Math.Exp) - 1) < 1e-9
                && Enumerable.Range(0, values.Length)
                    .All(i => Enumerable.Range(0, values.Length).All(j => values[i] < values[j] || logs[i] >= logs[j]));
        });

    [Fact]
    public void Log_LogProbabilitiesAtTemperatureOne_AreUnchanged()
    {
        double[] logs = [Math.Log(0.7), Math.Log(0.2), Math.Log(0.1)];
        Assert.All(Softmax.Log(logs).Zip(logs), p => Assert.Equal(p.Second, p.First, 1e-12));
    }

    [Fact]
    public void Log_TemperatureTwo_TakesTheRootAndNormalises()
    {
        var found = Softmax.Log([Math.Log(0.8), Math.Log(0.2)], 2);
        Assert.Equal(2.0 / 3, Math.Exp(found[0]), 1e-12);
    }
}
