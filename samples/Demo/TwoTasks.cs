namespace NativeGreenlet.Demo;

/// <summary>The classic first example: two functions that take turns on one thread.</summary>
internal static class TwoTasks
{
    public static void Run()
    {
        Greenlet? task2 = null;
        Greenlet task1 = new(() =>
        {
            Console.WriteLine("Task 1 - Part 1");
            task2!.Switch();
            Console.WriteLine("Task 1 - Part 2");
        });
        task2 = new Greenlet(() =>
        {
            Console.WriteLine("Task 2 - Part 1");
            task1.Switch();
            Console.WriteLine("Task 2 - Part 2"); // never: task 1 ended, and its parent, the main greenlet, went on
        });

        task1.Switch();
        Console.WriteLine("end");
        task2.Dispose();
    }
}
