Imports System.Threading.Tasks
Imports NativeGreenlet
Imports NativeGreenlet.Cooperative

Module Program

    Sub Main()
        For Each number In New GreenletGenerator(Of Integer)(Sub() Count(3))
            Console.WriteLine(number)
        Next

        TakeTurns()
        Hub.Run(Sub() Cooperate())
    End Sub

    ' An ordinary procedure yields, from any depth: it is no Iterator Function.
    Private Sub Count(last As Integer)
        If last > 0 Then
            Count(last - 1)
            GreenletGenerator(Of Integer).Yield(last)
        End If
    End Sub

    Private Sub TakeTurns()
        Dim main = Greenlet.Current
        Dim other As New Greenlet(
            Sub()
                Console.WriteLine("other: first")
                main.Switch()
                Console.WriteLine("other: second")
            End Sub)

        other.Switch()
        Console.WriteLine("main: between")
        other.Switch()
    End Sub

    ' Blocking style on one thread.
    Private Sub Cooperate()
        Dim slow = Hub.Spawn(
            Function()
                Hub.Sleep(TimeSpan.FromMilliseconds(50))
                Return "slow"
            End Function)
        Dim quick = Hub.Spawn(Function() "quick")

        Hub.WaitAll(slow, quick)
        Console.WriteLine($"{quick.Result}, {slow.Result}")
        Console.WriteLine(Hub.Await(LengthAsync("asynchronous")))
    End Sub

    Private Async Function LengthAsync(text As String) As Task(Of Integer)
        Await Task.Delay(10)
        Return text.Length
    End Function

End Module
