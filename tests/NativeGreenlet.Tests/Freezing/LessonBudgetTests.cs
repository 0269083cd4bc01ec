using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>When a shape may be learned, after a lesson of 100 ms and three collections.</summary>
public class LessonBudgetTests
{
    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(1999, 0, false)]
    [InlineData(2000, 0, true)] // a twentieth of the time
    [InlineData(1, 2, false)]
    [InlineData(1, 3, true)] // half of the collections, for the first
    public void It_rests_for_a_part_of_the_time_or_of_the_collections(long later, int more, bool isAllowed)
    {
        LessonBudget budget = default;
        Assert.True(budget.Allows(1000, 50));
        budget.Spend(1000, 53, TimeSpan.FromMilliseconds(100), 3);

        Assert.Equal(isAllowed, budget.Allows(1000 + later, 53 + more));
    }

    [Fact]
    public void One_lesson_after_another_it_comes_to_a_fifth_of_the_collections()
    {
        LessonBudget budget = default;
        long collections = 0;
        foreach (int rest in (int[])[1, 2, 4, 4])
        {
            collections += 3;
            budget.Spend(1000, collections, TimeSpan.FromMilliseconds(100), 3);
            Assert.False(budget.Allows(1001, collections + (3 * rest) - 1));
            collections += 3 * rest;
            Assert.True(budget.Allows(1001, collections));
        }

        budget.Spend(4000, collections, TimeSpan.FromMilliseconds(100), 3); // after a rest of more than a twentieth of the time
        Assert.True(budget.Allows(4001, collections + 3));
    }
}
