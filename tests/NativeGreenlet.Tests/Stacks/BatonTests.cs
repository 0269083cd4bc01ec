using NativeGreenlet.Stacks;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Stacks;

/// <summary>The permit that threads hand to each other on the threads backend.</summary>
public class BatonTests
{
    private const int Rounds = 20_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Fact]
    public void What_was_given_before_is_taken_at_once()
    {
        Baton baton = new();
        baton.Give();

        baton.Wait();

        baton.Give();
        baton.Wait();
    }

    // Now and then one is late, so that the other blocks.
    [Theory]
    [InlineData(1_000)]
    [InlineData(7)]
    public void Two_threads_hand_it_to_and_fro(int delay) => OnThread.Run(() =>
    {
        Baton there = new();
        Baton back = new();
        int turn = 0;
        bool isRight = true;
        Thread other = new(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                there.Wait();
                isRight &= turn++ == 2 * i;
                Delay(i + 3, delay);
                back.Give();
            }
        })
        {
            IsBackground = true,
        };
        other.Start();
        for (int i = 0; i < Rounds; i++)
        {
            there.Give();
            Delay(i, delay);
            back.Wait();
            isRight &= turn++ == (2 * i) + 1;
        }

        Assert.True(other.Join(s_patience));
        Assert.True(isRight);
        Assert.Equal(2 * Rounds, turn);
    });

    // Interrupts arrive before, while and after it blocks. None takes the permit, and none is lost.
    [Fact]
    public void An_interrupted_wait_leaves_the_permit() => OnThread.Run(() =>
    {
        Baton there = new();
        Baton back = new();
        int interrupts = 0;
        Thread other = new(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                bool isDone = false;
                while (!isDone)
                {
                    try
                    {
                        there.Wait();
                        isDone = true;
                    }
                    catch (ThreadInterruptedException)
                    {
                        interrupts++;
                    }
                }

                back.Give();
            }
        })
        {
            IsBackground = true,
        };
        other.Start();
        for (int i = 0; i < 500; i++)
        {
            other.Interrupt();
            Delay(i, 3);
            there.Give();
            back.Wait();
        }

        Assert.True(other.Join(s_patience));
        Assert.InRange(interrupts, 1, 500);
    });

    private static void Delay(int number, int each)
    {
        if (number % each == 0)
        {
            Thread.Sleep(number % (2 * each) == 0 ? 1 : 0);
        }
    }
}
