! Work and MPI by one of Fortran's three bindings, chosen when it is compiled: -DMPIF_H, -DMPI_MODULE or -DMPI_F08.
program hello
#if defined(MPI_F08)
  use mpi_f08
#elif defined(MPI_MODULE)
  use mpi
#endif
  use iso_fortran_env, only: int64, real64
  implicit none
#if defined(MPIF_H)
  include 'mpif.h'
#endif
  integer :: rank, ranks, error
  real(real64) :: began, mpi_s, useful_s, all_s, x(10), y(10)
  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  all_s = seconds()
  mpi_s = 0
  useful_s = 0
  call work(0.3_real64 * (1 + rank))
  began = seconds()
  x = rank
  call MPI_Allreduce(x, y, 10, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, error)
  call MPI_Allreduce(MPI_IN_PLACE, y, 10, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, error)
  call MPI_Barrier(MPI_COMM_WORLD, error)
  mpi_s = mpi_s + seconds() - began
  call work(0.2_real64)
  print '(a,i0,a,i0,a,f12.6,a,f12.6,a,f12.6,a,f12.6,a)', 'dial {"rank": ', rank, ', "ranks": ', ranks, &
    ', "threads": 1, "elapsed": ', seconds() - all_s, ', "useful": ', useful_s, ', "mpi": ', mpi_s, &
    ', "mpi_serial": ', mpi_s, ', "imbalance": 0, "scheduling": 0}'
  flush (6)
  call MPI_Finalize(error)
contains
  real(real64) function seconds()
    integer(int64) :: count, rate
    call system_clock(count, rate)
    seconds = real(count, real64) / real(rate, real64)
  end function
  subroutine work(s)
    real(real64), intent(in) :: s
    real(real64) :: start
    start = seconds()
    do while (seconds() < start + s)
      call sleep_a_little()
    end do
    useful_s = useful_s + seconds() - start
  end subroutine
  subroutine sleep_a_little()
    interface
      integer(c_int) function usleep(microseconds) bind(c)
        use iso_c_binding, only: c_int
        integer(c_int), value :: microseconds
      end function
    end interface
    if (usleep(1000) /= 0) stop 'usleep fails'
  end subroutine
end program
