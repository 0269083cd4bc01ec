using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>When a shape may be learned, after a lesson of 100 ms and three collections.</summary>
public class LessonBudgetTests
{
    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(1999, 0, false)]
    [InlineData(2000, 0, true)] // a twentieth of the time
    [InlineData(1, 11, false)]
    [InlineData(1, 12, true)] // a fifth of the collections, where they come fast
    public void It_rests_for_a_part_of_the_time_or_of_the_collections(long later, int more, bool isAllowed)
    {
        LessonBudget budget = default;
        Assert.True(budget.Allows(1000, 50));
        budget.Spend(1000, 53, TimeSpan.FromMilliseconds(100), 3);

        Assert.Equal(isAllowed, budget.Allows(1000 + later, 53 + more));
    }
}
