using System.Text;
using DistillOnnx.Server.Rest;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>What reading a JSON body costs.</summary>
public sealed class JsonFieldsTests
{
    private const int Many = 50_000;

    private static readonly string Long = new('a', Many);

    [Theory]
    [InlineData("0,", "0")]
    [InlineData("[],", "{}")]
    public void Parse_LongNameAboveManyElements_AllocatesInProportionToTheBody(string element, string last)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"{{Long}}":[{{new StringBuilder().Insert(0, element, Many)}}{{last}}]}""");

        Assert.InRange(Allocated(() => JsonFields.Parse(body, _ => { })), 1, 200L * body.Length);
    }

    [Fact]
    public void Parse_LongNameAboveManyNames_AllocatesInProportionToTheBody()
    {
        var names = string.Join(',', Enumerable.Range(0, Many).Select(i => $"\"{i}\":0"));
        var body = Encoding.UTF8.GetBytes($$$"""{"{{{Long}}}":{{{{names}}}}}""");

        Assert.InRange(Allocated(() => JsonFields.Parse(body, _ => { })), 1, 200L * body.Length);
    }

    [Theory]
    [InlineData("""[{"a": 1, "a": 2}]""", "[0].a")]
    [InlineData("""{"a": {"b": [0, [{"c": 1}, {"c": 1, "c": 2}]]}}""", "a.b[1][1].c")]
    [InlineData("""{"": {"b": 1, "b": 2}}""", "b")]
    public void Parse_NameThatIsThereTwice_IsRefusedByItsPath(string json, string path)
    {
        var fault = Assert.Throws<RpcException>(() => JsonFields.Parse(Encoding.UTF8.GetBytes(json), _ => { }));

        Assert.Equal($"{path}: expected once, found twice", fault.Status.Detail);
    }

    [Fact]
    public void Parse_NameThatIsNotText_IsRefusedByThePathOfItsObject()
    {
        var fault = Assert.Throws<RpcException>(
            () => JsonFields.Parse(Encoding.UTF8.GetBytes("""{"a": [{"\ud800": 1}]}"""), _ => { }));

        Assert.StartsWith("a[0]: expected names in UTF-8", fault.Status.Detail, StringComparison.Ordinal);
    }

    private static long Allocated(Action run)
    {
        run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        run();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
