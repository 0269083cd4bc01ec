using NativeGreenlet;
using NativeGreenlet.Demo;

TwoTasks.Run();

Console.WriteLine();
Console.WriteLine($"Backend: {GreenletRuntime.Description}");
Console.WriteLine();
HandOffTable.Measure(TimeSpan.FromSeconds(10));
