using DistillOnnx.Server.Services;

namespace DistillOnnx.Server.Tests.Services;

public sealed class GrpcTimeoutTests
{
    [Theory]
    [InlineData("2000m", 2000)]
    [InlineData("3S", 3000)]
    [InlineData("1M", 60_000)]
    [InlineData("2H", 7_200_000)]
    [InlineData("1500u", 1.5)]
    [InlineData("99999999n", 99.9999)]
    [InlineData("0m", 0)]
    public void Parse_WhatGrpcDefines_IsTheTime(string header, double milliseconds) =>
        Assert.Equal(milliseconds, GrpcTimeout.Parse(header)!.Value.TotalMilliseconds, 1e-3);

    [Fact]
    public void Parse_BeyondWhatTimersTake_IsThirtyDays() => Assert.Equal(TimeSpan.FromDays(30), GrpcTimeout.Parse("99999999H"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("10")]
    [InlineData("-1m")]
    [InlineData("1.5S")]
    [InlineData("123456789m")]
    [InlineData("١m")]
    public void Parse_AnythingElse_IsNothing(string? header) => Assert.Null(GrpcTimeout.Parse(header));
}
