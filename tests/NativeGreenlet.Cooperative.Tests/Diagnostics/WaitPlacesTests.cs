using NativeGreenlet.Cooperative.Diagnostics;
using Step = NativeGreenlet.Cooperative.Diagnostics.WaitPlaces.Step;

namespace NativeGreenlet.Cooperative.Tests.Diagnostics;

/// <summary>Which stacks are of one place.</summary>
public class WaitPlacesTests
{
    private static readonly Step s_inner = new("module", 1, 10);
    private static readonly Step s_middle = new("module", 2, 20);
    private static readonly Step s_outer = new("module", 3, 30);

    private readonly WaitPlaces _places = new();

    [Fact]
    public void A_stack_is_known_the_second_time()
    {
        Assert.True(_places.TryAdd([s_inner, s_outer]));
        Assert.False(_places.TryAdd([s_inner, s_outer]));
    }

    [Fact]
    public void A_stack_without_some_of_its_methods_is_the_same_place()
    {
        Assert.True(_places.TryAdd([s_inner, s_middle, s_outer]));
        Assert.False(_places.TryAdd([s_middle, s_outer]));
        Assert.False(_places.TryAdd([s_inner, s_outer]));
        Assert.False(_places.TryAdd([s_outer]));
    }

    [Fact]
    public void What_lacked_methods_at_first_is_the_same_place_with_them()
    {
        Assert.True(_places.TryAdd([s_middle, s_outer]));
        Assert.False(_places.TryAdd([s_inner, s_middle, s_outer]));
        Assert.False(_places.TryAdd([s_inner, s_outer])); // a part of the second
    }

    [Fact]
    public void Another_line_another_method_and_another_caller_are_other_places()
    {
        Assert.True(_places.TryAdd([s_inner, s_outer]));
        Assert.True(_places.TryAdd([s_inner with { Offset = 11 }, s_outer]));
        Assert.True(_places.TryAdd([s_inner with { Token = 4 }, s_outer]));
        Assert.True(_places.TryAdd([s_inner with { Origin = "other" }, s_outer]));
        Assert.True(_places.TryAdd([s_inner, s_outer with { Offset = 31 }]));
        Assert.True(_places.TryAdd([s_outer, s_inner]));
    }

    [Fact]
    public void When_there_are_too_many_all_are_known()
    {
        int told = 0;
        for (int i = 0; i < 2_000; i++)
        {
            told += _places.TryAdd([s_inner with { Offset = i }]) ? 1 : 0;
        }

        Assert.Equal(1_000, told);
    }
}
