using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Tests.World;

public sealed class WorldRulesTests
{
    [Theory]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia see a fruit?", "A pear is a fruit.", "yes")]
    [InlineData("In the attic Ben finds a red apple at night. Does Ben find a tool?", "An apple is not a tool but a fruit.", "no")]
    [InlineData("In the evening Mia draws a grey axe in the park. Does Mia draw a thing outdoors?", "The park is outdoors.", "yes")]
    [InlineData(
        "At midnight Mia draws a grey axe in the park. Does Mia draw a thing by day?", "Midnight is not by day but by night.", "no")]
    [InlineData("In the morning Mia draws a grey axe in the park. Does Mia draw a cold-coloured thing?", "Grey is cold.", "yes")]
    [InlineData(
        "Mia touches an orange van in the hall in the afternoon. Does Mia touch an animal outdoors?",
        "A van is not an animal but a vehicle. The hall is not outdoors but indoors.",
        "no")]
    [InlineData(
        "In the street Tom sees a golden tram in the morning. Does Tom see a warm-coloured vehicle outdoors by day?",
        "A tram is a vehicle. The street is outdoors. Morning is by day. Golden is warm.",
        "yes")]
    [InlineData(
        "In the street Tom sees a golden tram in the morning. Does Tom see a cold-coloured vehicle outdoors by day?",
        "A tram is a vehicle. The street is outdoors. Morning is by day. Golden is not cold but warm.",
        "no")]
    [InlineData(
        "Mia sees a blue pear in the attic at noon. Does Nora see a fruit indoors?", "The text is about Mia, not Nora.", "unknown")]
    public void Answer_Text_GivesReasonsAndLabel(string input, string rationale, string label) =>
        Assert.Equal(new RuleAnswer(rationale, label), WorldRules.Answer(input));

    [Theory]
    [InlineData("")]
    [InlineData("Mia sees a blue pear in the attic at noon.")]
    [InlineData("Does Mia see a fruit?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia see a thing?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia find a fruit?")]
    [InlineData("Mia sees a blue pear in the attic in the noon. Does Mia see a fruit?")]
    [InlineData("Mia sees a blue pear in the attic in the garden. Does Mia see a fruit?")]
    [InlineData("In the attic Mia sees a blue pear in the attic. Does Mia see a fruit?")]
    [InlineData("Mia sees a blue unicorn in the attic at noon. Does Mia see a fruit?")]
    [InlineData("Mia sees a loud pear in the attic at noon. Does Mia see a fruit?")]
    [InlineData("Zoe sees a blue pear in the attic at noon. Does Zoe see a fruit?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Zoe see a fruit?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia see a toy?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia see a fruit by day outdoors?")]
    [InlineData("Mia sees a blue pear in the attic at noon. Does Mia see a fruit? Does Mia see a fruit?")]
    [InlineData("The stock market fell. Why?")]
    [InlineData("Tom reads a long book in the garden. Is he outdoors?")]
    [InlineData("In the garden Tom reads a long book. Is he?")]
    [InlineData("Mia sees a blue pear in the attic. Does Mia see a fruit?")]
    public void Answer_WhatItDoesNotUnderstand_Abstains(string input) => Assert.Null(WorldRules.Answer(input));
}
