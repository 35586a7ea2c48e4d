! Training inside a Fortran program with MPI.
!
!     mpirun -np 3 embed_fortran
!
! Rank 0 goes its own way; the others learn from measurements how fast heat decays, on a communicator of their own.  The
! program's code makes the gradients, in its own arrays; a tr_reducer averages them.  Each average is held against the exact
! one, which MPI_Allreduce makes of the same numbers.

! What of trireme/dist.h a reducer needs; that header says what it means.
module trireme
    use, intrinsic :: iso_c_binding
    implicit none

    enum, bind(c) ! tr_dtype
        enumerator :: tr_float32 = 7, tr_float64, tr_complex64, tr_complex128
    end enum

    enum, bind(c) ! tr_overlap
        enumerator :: tr_overlap_auto, tr_overlap_caller, tr_overlap_thread
    end enum

    type, bind(c) :: tr_buffer
        type(c_ptr) :: data
        integer(c_int64_t) :: count
        integer(c_int) :: dtype
    end type

    type, bind(c) :: tr_reducer_options
        integer(c_int64_t) :: bucket_bytes = 0, first_bucket_bytes = 0
        integer(c_int) :: overlap = tr_overlap_auto
        logical(c_bool) :: sum = .false.
        character(c_char) :: reserved = c_null_char
    end type

    interface
        integer(c_int) function tr_dist_init_fortran(comm) bind(c)
            import
            integer(c_int), value :: comm
        end function
        integer(c_int) function tr_dist_finish() bind(c)
            import
        end function
        type(c_ptr) function tr_reducer_new(buffers, count, options) bind(c)
            import
            type(tr_buffer), intent(in) :: buffers(*) ! of data that are targets as long as the reducer lives
            integer(c_int64_t), value :: count
            type(tr_reducer_options), value :: options
        end function
        subroutine tr_reducer_free(reducer) bind(c)
            import
            type(c_ptr), value :: reducer
        end subroutine
        integer(c_int) function tr_reducer_begin(reducer, samples) bind(c)
            import
            type(c_ptr), value :: reducer
            integer(c_int64_t), value :: samples
        end function
        integer(c_int) function tr_reducer_ready(reducer, buffer) bind(c) ! the first buffer is 0
            import
            type(c_ptr), value :: reducer
            integer(c_int64_t), value :: buffer
        end function
        integer(c_int) function tr_reducer_wait(reducer) bind(c)
            import
            type(c_ptr), value :: reducer
        end function
    end interface
end module

program embed
    use, intrinsic :: iso_c_binding
    use mpi_f08
    use trireme
    implicit none
    integer, parameter :: powers = 3, steps = 400
    type(mpi_comm) :: mine
    real(c_double) :: curve(0:powers - 1) = 0, farthest = 0
    integer :: rank, ranks
    integer(c_int) :: failed = 0
    logical :: learns

    call mpi_init()
    call mpi_comm_rank(mpi_comm_world, rank)
    call mpi_comm_size(mpi_comm_world, ranks)
    learns = rank > 0
    call mpi_comm_split(mpi_comm_world, merge(1, 0, learns), rank, mine)
    if (learns) then
        if (tr_dist_init_fortran(mine%mpi_val) == 0) call learn()
        failed = tr_dist_finish()
    end if

    if (ranks > 1) call mpi_bcast(curve, powers, mpi_double_precision, 1, mpi_comm_world) ! everybody again
    if (rank == 0) print '(a, 3f8.3)', 'log of heat: powers of x times', curve
    if (ranks > 1 .and. .not. all(abs(curve - [0.5d0, -2d0, 0.7d0]) < 0.02d0)) failed = 1
    if (.not. farthest < 1d-12) failed = 1
    call mpi_comm_free(mine)
    call mpi_finalize()
    if (failed /= 0) stop 1

contains

    ! log y = c0 + c1 x + c2 x**2, by gradient descent; a buffer for c0, one for both others.
    subroutine learn()
        real(c_double), target :: d0(1), d12(2)
        real(c_double) :: exact(0:powers)
        real(c_double), allocatable :: x(:), y(:), off(:)
        type(c_ptr) :: reducer
        integer(c_int64_t) :: samples
        integer :: i, step, status

        samples = 20 + 13 * rank ! shares need not be equal
        allocate (x(samples), y(samples), off(samples))
        x = [(2 * modulo(0.618d0 * i + 0.1d0 * rank, 1d0) - 1, i = 1, int(samples))]
        y = 0.5d0 - 2 * x + 0.7d0 * x**2 + 0.01d0 * sin(40 * x)
        reducer = tr_reducer_new([tr_buffer(c_loc(d0), 1, tr_float64), tr_buffer(c_loc(d12), 2, tr_float64)], &
                                 2_c_int64_t, tr_reducer_options())
        if (.not. c_associated(reducer)) return
        do step = 1, steps
            status = tr_reducer_begin(reducer, samples)
            off = 2 * (curve(0) + curve(1) * x + curve(2) * x**2 - y) / samples
            d0 = sum(off)
            exact(0) = samples * d0(1)
            if (status == 0) status = tr_reducer_ready(reducer, 0_c_int64_t) ! travels while the rest is made
            d12 = [sum(off * x), sum(off * x**2)]
            exact(1:) = [samples * d12, real(samples, c_double)]
            if (status == 0) status = tr_reducer_ready(reducer, 1_c_int64_t)
            if (status == 0) status = tr_reducer_wait(reducer)
            if (status /= 0) exit
            call mpi_allreduce(mpi_in_place, exact, size(exact), mpi_double_precision, mpi_sum, mine)
            farthest = max(farthest, maxval(abs([d0, d12] - exact(:powers - 1) / exact(powers))))
            curve = curve - 0.3d0 * [d0, d12]
        end do
        call tr_reducer_free(reducer)
    end subroutine
end program
